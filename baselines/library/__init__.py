"""Networks of the `transformers` library behind the project's interface: frames in, class scores out.

The library computes the networks. Frames are resized, padded and normalised here, as the image processor that is saved
with a network says, and scores are made of its outputs as the library's post-processing does; both run on any device.
"""
