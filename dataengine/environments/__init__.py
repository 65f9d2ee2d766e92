"""Virtual environments that set-up makes: how, and Blender's own. Runs before anything is installed: standard library."""
