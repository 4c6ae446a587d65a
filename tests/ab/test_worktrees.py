"""A revision lies in a folder for a while, and nothing of it is left, whatever happens."""

import subprocess

import pytest

from bench.ab.worktrees import checked_out, commit_of
from mpvss.errors import UserError


def git(repository, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    command = ["git", "-C", str(repository), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path):
    """Two commits, and a change that is not committed."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    for content in ("old", "new"):
        (folder / "file").write_text(content)
        git(folder, "add", "file")
        git(folder, "commit", "--quiet", "--message", content)
    (folder / "file").write_text("changed")
    return folder


def worktrees(repository):
    return git(repository, "worktree", "list", "--porcelain").count("worktree ")


def test_a_revision_is_there_while_the_block_runs_and_the_checkout_is_untouched(repository):
    with checked_out("main~1", repository) as old, checked_out("main", repository) as new:
        assert [(folder / "file").read_text() for folder in (old, new)] == ["old", "new"]
        assert worktrees(repository) == 3
    assert not old.exists()
    assert not old.parent.exists()
    assert worktrees(repository) == 1
    assert (repository / "file").read_text() == "changed"
    assert git(repository, "status", "--porcelain") == " M file\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_it_is_removed_when_the_block_is_left_by_an_error(repository, error):
    folders = []

    def fail():
        with checked_out("main", repository) as folder:
            folders.append(folder)
            (folder / "made").write_text("by the block")
            raise error

    with pytest.raises(error):
        fail()
    assert not folders[0].exists()
    assert worktrees(repository) == 1


def test_a_folder_that_holds_the_project_is_used_as_it_is(repository):
    (repository / "bench").mkdir()
    for name in ("bench/__main__.py", "pyproject.toml"):
        (repository / name).write_text("")
    with checked_out(str(repository), repository) as folder:
        assert folder == repository
        assert worktrees(repository) == 1
    assert (repository / "file").exists()


@pytest.mark.parametrize("version", ["nowhere", "--all", ""])
def test_what_is_neither_is_refused(repository, version):
    with pytest.raises(UserError, match=f"{version!r} is neither a revision of the git repository"):
        commit_of(version, repository)


def test_a_folder_outside_of_a_repository_has_no_revisions(tmp_path):
    with pytest.raises(UserError, match="'main' is neither a revision"):
        commit_of("main", tmp_path)
