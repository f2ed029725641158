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
/// The system's id of the calling thread.
int32_t amas_thread_id(void);
/// Runs `thread`, but not those that it starts, under SCHED_FIFO at `priority`, or as any other again if that is 0. Returns 0, or an
/// errno value where it is not permitted.
int amas_thread_set_realtime(int32_t thread, int priority);

/// Has a crash of the calling thread (a trap, a bad access, an abort) noted in `file` before it ends the process, while the thread
/// is at something; see `amas_crash_at`. What was there to handle such signals runs afterwards. For the life of the thread.
/// Returns 0 or an errno value.
int amas_crash_watch(int file);
/// What the calling thread is at, as a range of numbers above 0; 0 and 0 for nothing. A crash appends "crashed FIRST LAST\n".
void amas_crash_at(uint64_t first, uint64_t last);
