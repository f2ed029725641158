#pragma once

/// A pipe whose two ends, reading first, no child process inherits. Returns 0, or -1 with errno set.
int amas_pipe(int ends[2]);
/// Has the spawned child close every descriptor from `lowest` on. `actions` is a posix_spawn_file_actions_t; its header is
/// not included, because Swift would then find the types of the C library in two modules. Returns 0 or an errno value.
int amas_spawn_close_from(void *actions, int lowest);
