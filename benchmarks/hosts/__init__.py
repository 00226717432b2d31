"""The delivery judge over several hosts: owners are killed, links are cut, standbys go on."""
