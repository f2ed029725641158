#define _GNU_SOURCE
#include "ThreadStop.h"

#include <errno.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int amas_thread_halt(int32_t thread) {
  if (ptrace(PTRACE_SEIZE, thread, 0, 0) != 0) return errno;
  if (ptrace(PTRACE_INTERRUPT, thread, 0, 0) != 0) return errno;
  int status;
  while (waitpid(thread, &status, __WALL) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

void amas_thread_release(int32_t thread) { ptrace(PTRACE_DETACH, thread, 0, 0); }
