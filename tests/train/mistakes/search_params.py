"""Params of a search whose fits take seconds."""

from dataclasses import fields

from dataengine.train.mistakes.params import FindMistakesParams

from ...helpers.fitting_project import TINY

SEARCH = FindMistakesParams(**{field.name: getattr(TINY, field.name) for field in fields(TINY)}, folds=2)
