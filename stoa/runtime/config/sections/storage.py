"""Files that are not rows."""

from stoa.runtime.config.registry import Section, setting


class Storage(Section):
    """Storage."""

    storage_dir: str = setting(
        "var/storage",
        "Folder that files are kept in.",
        example="/var/lib/stoa/storage",
        why="Personal archives lie here until they expire: a disk that stays, that every process sees, and that backups know.",
    )
