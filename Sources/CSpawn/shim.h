#ifndef AGENTHOST_CSPAWN_SHIM_H
#define AGENTHOST_CSPAWN_SHIM_H

/// The child closes all descriptors from `from` on; `actions` is a `posix_spawn_file_actions_t`. In glibc since 2.34, whose
/// header has it for _GNU_SOURCE alone.
extern int posix_spawn_file_actions_addclosefrom_np(void *actions, int from);

#endif
