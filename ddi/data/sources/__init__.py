"""The databases behind one interface (write-up, section 2.1; data/README.md).

catalogue  every source by its name: read
amcsd      minerals, an SQLite file inside a package
core_mof   metal-organic frameworks, three archives of CIFs inside a package
cod        a local mirror of the Crystallography Open Database
csd        the Cambridge Structural Database, through its vendor's API
fetch      downloads what lies inside packages, and checks it
archives   zip and tar, read in memory and distrusted
chunks     finished batches of the long sources, kept on disk
"""

__all__ = ["amcsd", "archives", "catalogue", "chunks", "cod", "core_mof", "csd", "fetch"]
