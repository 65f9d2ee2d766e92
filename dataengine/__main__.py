"""``python -m dataengine`` is the same as the ``dataengine`` command."""

from dataengine.cli import main

main()
