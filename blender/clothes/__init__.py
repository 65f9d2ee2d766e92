"""How people look: skin, hair and clothes, drawn as values and dressed as shells over the body's mesh.

In reading order: `appearance.py` (what is drawn), `wardrobe.py` (which vertices a garment covers), `dressing.py` (the
mesh of a dressed person), `skirt.py`, `skin.py` and `textures.py` (baked with numpy). Adding a garment: its vertices in
`wardrobe.py`, its shell in `dressing.py`, its share in `appearance.py`.
"""
