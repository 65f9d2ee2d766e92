"""How people look: skin, hair and clothes, drawn as plain values and put on as shells over the body's mesh.

In reading order: `appearance.py` (what is drawn), `wardrobe.py` (which vertices a garment covers), `dressing.py` (the
mesh of a dressed person), `skirt.py`, `skin.py` and `textures.py` (baked with numpy). Adding a garment: its vertices go
into `wardrobe.py`, its shell into `dressing.py`, its share into `appearance.py`.
"""
