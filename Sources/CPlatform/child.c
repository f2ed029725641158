#define _GNU_SOURCE
#include "child.h"
#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

int amas_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC);
}

int amas_spawn_close_from(void *actions, int lowest) {
    return posix_spawn_file_actions_addclosefrom_np(actions, lowest);
}
