"""Living with DVC's cache: what the code has to know of where DVC puts the files of a project.

`enclosure` judges paths where files may be links into the cache, `checkout` has DVC bring the champion's store, and
`temporary_copy` knows the folders in which DVC runs experiments and which it removes afterwards.
"""
