"""Things that move by themselves indoors and outdoors, people and balls, in metres above their lower edge."""

from __future__ import annotations

import numpy as np

from bench.data.synthetic.affine import Number
from bench.data.synthetic.camera import Wave
from bench.data.synthetic.classes import BALL, PERSON
from bench.data.synthetic.colours import BRIGHT, jitter, pick
from bench.data.synthetic.sprite import Canvas
from bench.data.synthetic.stage import Part, roll, swing
from bench.data.synthetic.texture import noise


def person(rng: np.random.Generator, density: Number) -> tuple[list[Part], float]:
    """A walking person: two legs and an arm swing against the body."""
    tall = rng.uniform(1.2, 1.95)
    shirt, trousers = pick(rng, BRIGHT, 24), pick(rng, ((46, 52, 84), (60, 58, 56), (150, 130, 98), (90, 40, 44)), 18)
    skin = pick(rng, ((226, 184, 152), (178, 126, 92), (112, 76, 56)), 14)
    hip, shoulder, chin = 0.48 * tall, 0.80 * tall, 0.85 * tall
    period, phase = float(rng.uniform(9, 16)), float(rng.random())

    body = Canvas(0.62, tall, density)
    torso = (abs(body.x) < 0.16 + (body.y - hip) * 0.12) & (body.y > hip - 0.05) & (body.y < shoulder)
    torso |= body.oval(0, shoulder - 0.02, 0.23, 0.07)
    pattern = ((body.y * 11) % 1 < 0.45) * rng.choice([-46.0, 0.0, 0.0, 46.0])
    body.fill(torso, shirt, PERSON, pattern + noise(rng, body.shape, 0.12 * density) * 10)
    body.fill(body.box(-0.06, 0.06, shoulder - 0.02, chin + 0.05), skin, PERSON)
    head = body.oval(0, (chin + tall) / 2, 0.12, (tall - chin) / 2)
    body.fill(head, skin, PERSON)
    body.fill(head & (body.y > tall - 0.12), pick(rng, ((40, 30, 26), (120, 82, 46), (190, 160, 100)), 12), PERSON)

    leg = Canvas(0.3, hip + 0.08, density)
    leg.fill(abs(leg.x) < 0.07 + leg.y * 0.05, trousers, PERSON, noise(rng, leg.shape, 0.15 * density) * 8)
    leg.fill(leg.box(-0.09, 0.15, 0, 0.09), (44, 36, 34), PERSON)
    arm = Canvas(0.16, 0.36 * tall, density)
    arm.fill(abs(arm.x) < 0.065, jitter(rng, shirt, 14), PERSON)
    arm.fill(arm.y < 0.12, skin, PERSON)
    shoulder_joint, hand = shoulder - 0.04, shoulder - 0.36 * tall
    return [
        Part(leg.sprite(), swing(Wave(0.19, period, phase + 0.5), 0, hip)),
        Part(leg.sprite(), swing(Wave(0.19, period, phase), 0, hip)),
        Part(body.sprite(), shadow=0.42),
        Part(arm.sprite((0.0, -hand)), swing(Wave(0.22, period, phase + 0.5), 0, shoulder_joint)),
    ], 1.2


def ball(rng: np.random.Generator, density: Number, turns: Number) -> tuple[list[Part], float]:
    """A ball of two colours that rolls, so many turns a tick."""
    radius = rng.uniform(0.16, 0.32)
    canvas = Canvas(2 * radius, 2 * radius, density)
    x, y = canvas.x / radius, canvas.y / radius - 1
    canvas.fill(x * x + y * y < 1, pick(rng, ((244, 92, 150), (250, 140, 30), (240, 240, 90)), 12), BALL, y * 30)
    mark = (x * y > 0) if rng.random() < 0.5 else (abs(x) < 0.35)
    canvas.fill(mark & (x * x + y * y < 1), pick(rng, ((250, 250, 250), (60, 60, 200), (30, 30, 30)), 10), BALL)
    return [Part(canvas.sprite(), roll(turns, radius), radius)], 2 * radius
