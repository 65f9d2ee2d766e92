"""Names of films: by content, the same in every round, and no more alike than they should be."""

from pathlib import Path

import pytest

from dataengine.leakage.film_names import film_key, film_name, is_by_content, may_be_one_film

WALK, OTHER = "1a2b3c4d" + "0" * 56, "9a8b7c6d" + "0" * 56


def test_two_films_of_one_file_name_have_two_names_and_a_renamed_film_one_key() -> None:
    walk, other = film_name(Path("a/walk.mp4"), WALK), film_name(Path("b/walk.mp4"), OTHER)
    assert walk != other
    assert film_key(walk) == film_key(film_name(Path("holiday.mov"), WALK)) != film_key(other)
    assert is_by_content(walk)


@pytest.mark.parametrize("name", ["walk", "walk.mp4", "walk-20240101", "walk-sha1a2b"])
def test_a_name_of_the_users_own_is_its_own_key(name: str) -> None:
    assert film_key(name) == name
    assert not is_by_content(name)


def test_what_may_be_one_film_as_far_as_names_tell() -> None:
    walk = film_name(Path("walk.mp4"), WALK)
    assert may_be_one_film("clips/a.mp4", "a.mp4")
    assert not may_be_one_film("clips/a.mp4", "other/a.mp4")
    assert may_be_one_film(walk, "gym/walk.mp4") and may_be_one_film("walk", walk)
    assert not may_be_one_film(walk, "run.mp4")
    assert may_be_one_film(walk, film_name(Path("copy.mp4"), WALK))
    assert not may_be_one_film(walk, film_name(Path("walk.mp4"), OTHER))
