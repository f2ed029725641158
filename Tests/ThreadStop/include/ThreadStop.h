#pragma once
#include <stdint.h>

/// Halts one thread of another process, by its system id, until it is let go or the calling thread ends. The others of that process run
/// on. Returns 0, or an errno value.
int amas_thread_halt(int32_t thread);
/// Lets go of a thread that the calling thread has halted.
void amas_thread_release(int32_t thread);
