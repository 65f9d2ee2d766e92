"""The plugin `@dataengine/pose` among FiftyOne's plugins: a link in the one folder that FiftyOne looks for them in.

Plugins that are there already stay. FiftyOne names a plugin's folder after its name and follows links.
"""

from __future__ import annotations

from pathlib import Path

from dataengine.errors import EnvironmentFault

PLUGIN, PANEL = "@dataengine/pose", "pose_curation"
SOURCE = Path(__file__).with_name("plugin")


def link_plugin(plugins: Path, source: Path = SOURCE) -> Path:
    """Make PLUGIN in the folder `plugins` a link to this installation's; returns the link.

    A link to another installation is exchanged, whatever else has the name is left alone.

    Raises:
        EnvironmentFault: the folder cannot be written, or something else has the name.
    """
    link = plugins / PLUGIN
    if link.is_symlink() and link.resolve() == source.resolve():
        return link
    if link.exists() and not link.is_symlink():
        fix = f"remove it, or give it another name; the App works without {PLUGIN}"
        raise EnvironmentFault(f"{link} is not ours", expected=f"a link to {source}", fix=fix)
    partial = link.with_name(f".{link.name}.partial")
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        partial.symlink_to(source.resolve(), target_is_directory=True)
        partial.replace(link)
    except OSError as fault:
        fix = f"give permission, or set FIFTYONE_PLUGINS_DIR; the App works without {PLUGIN}"
        raise EnvironmentFault(f"the plugin cannot be linked into {plugins}", got=str(fault), fix=fix) from fault
    return link
