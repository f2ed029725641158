#pragma once
#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of `length` bytes, continuing from `crc` (0 to begin). Uses the SSE4.2 instruction where the
/// processor has it and a table of eight slices elsewhere; both give the same value.
uint32_t amas_crc32c(uint32_t crc, const void *bytes, size_t length);
/// The portable version of `amas_crc32c`, for processors without the instruction and for the test that compares them.
uint32_t amas_crc32c_portable(uint32_t crc, const void *bytes, size_t length);

/// Names the calling thread (at most 15 bytes) as `ps -L` and perf show it.
void amas_thread_set_name(const char *name);
/// Asks for SCHED_FIFO at `priority` for the calling thread, not for those that it starts. Returns 0, or an errno value where it is not permitted.
int amas_thread_set_realtime(int priority);
