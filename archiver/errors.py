"""Every error that the archiver raises on purpose.

ArchiverError              one line for the user: where, what, what to do
  ├─ ArchiveMissing        no archive in the folder named
  ├─ ArchiveFormat         written by a newer version, or not an archive
  ├─ ProjectUnknown        nothing of the project named is in the archive
  ├─ ArchiveUnwritable     the folder cannot be written
  ├─ PartitionDamaged      what tells which parts of a partition count cannot be read
  ├─ PartitionDiffers      what compaction made is not what was there
  ├─ CompactionLocked      another process compacts the archive
  ├─ CompactionLost        another process has compacted the partition meanwhile
  ├─ JournalLocked         another process records under this name
  ├─ JournalDamaged        bytes on disk are not what was written
  ├─ JournalUnwritable     the disk is full, or refuses
  ├─ TokenMissing          no token, or its file cannot be read
  ├─ AddressWrong          the URL, or what answers there, is not a Tiledesk socket
  ├─ AccessRefused         the server refuses the token
  ├─ SettingsWrong         a settings file that cannot be read, or says what nobody knows
  ├─ PartDiffers           a part to be published is not whole, or the store holds another one
  ├─ StoreRefuses          object storage that will not have it: no bucket, no access, no package
  ├─ StoreUnreachable      object storage does not answer now; another try may help
  └─ ServerUnreachable     no connection now; another try may bring one
"""

from __future__ import annotations


class ArchiverError(Exception):
    """Something the user can act on; shown as one line, exit status 1."""


class ArchiveMissing(ArchiverError):
    """There is no archive where one was named."""


class ArchiveFormat(ArchiverError):
    """The archive has a format that this version does not read."""


class ProjectUnknown(ArchiverError):
    """The archive holds nothing of the project that was named."""


class ArchiveUnwritable(ArchiverError):
    """The archive's folder cannot be written."""


class PartitionDamaged(ArchiverError):
    """A partition's manifest is not what was written to it."""


class PartitionDiffers(ArchiverError):
    """A compacted part does not hold what the parts hold that it was made of."""


class CompactionLocked(ArchiverError):
    """Another process compacts the archive."""


class CompactionLost(ArchiverError):
    """Another process has replaced the partition's manifest since it was read."""


class JournalLocked(ArchiverError):
    """Another process holds the journal of this recorder."""


class JournalDamaged(ArchiverError):
    """A journal file is not what was written to it."""


class JournalUnwritable(ArchiverError):
    """A record could not be written: the disk is full, or refuses."""


class TokenMissing(ArchiverError):
    """No token was given, or its file cannot be read."""


class AddressWrong(ArchiverError):
    """What was named is not the address of a Tiledesk socket."""


class AccessRefused(ArchiverError):
    """The server refuses the token."""


class ServerUnreachable(ArchiverError):
    """There is no connection to be had now."""


class SettingsWrong(ArchiverError):
    """The settings file is not what it should be."""


class PartDiffers(ArchiverError):
    """A part to be published is not whole, or there is another one of its name."""


class StoreRefuses(ArchiverError):
    """Object storage refuses what another try would not change."""


class StoreUnreachable(ArchiverError):
    """Object storage does not answer now."""
