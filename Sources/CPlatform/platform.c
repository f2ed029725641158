#define _GNU_SOURCE
#include "platform.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#define CASTAGNOLI_REVERSED 0x82F63B78u

static uint32_t slices[8][256];

__attribute__((constructor)) static void fill_slices(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = (crc & 1) ? (crc >> 1) ^ CASTAGNOLI_REVERSED : crc >> 1;
        slices[0][byte] = crc;
    }
    for (int slice = 1; slice < 8; slice++)
        for (uint32_t byte = 0; byte < 256; byte++)
            slices[slice][byte] = (slices[slice - 1][byte] >> 8) ^ slices[0][slices[slice - 1][byte] & 0xff];
}

uint32_t amas_crc32c_portable(uint32_t crc, const void *bytes, size_t length) {
    const uint8_t *next = bytes;
    crc = ~crc;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; length >= 8; length -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        word ^= crc;
        crc = slices[7][word & 0xff] ^ slices[6][(word >> 8) & 0xff] ^ slices[5][(word >> 16) & 0xff]
            ^ slices[4][(word >> 24) & 0xff] ^ slices[3][(word >> 32) & 0xff] ^ slices[2][(word >> 40) & 0xff]
            ^ slices[1][(word >> 48) & 0xff] ^ slices[0][word >> 56];
    }
#endif
    while (length--) crc = (crc >> 8) ^ slices[0][(crc ^ *next++) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_instruction(uint32_t crc, const void *bytes, size_t length) {
    const uint8_t *next = bytes;
    uint64_t wide = ~crc;
    wide &= 0xffffffffu;
    for (; length >= 8; length -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    while (length--) narrow = _mm_crc32_u8(narrow, *next++);
    return ~narrow;
}
#endif

uint32_t amas_crc32c(uint32_t crc, const void *bytes, size_t length) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return crc32c_instruction(crc, bytes, length);
#endif
    return amas_crc32c_portable(crc, bytes, length);
}

void amas_thread_set_name(const char *name) {
    char short_name[16];
    strncpy(short_name, name, sizeof short_name - 1);
    short_name[sizeof short_name - 1] = 0;
    pthread_setname_np(pthread_self(), short_name);
}

int32_t amas_thread_id(void) { return gettid(); }

int amas_thread_set_realtime(int32_t thread, int priority) {
    struct sched_param parameter = {.sched_priority = priority};
    // A thread that this one happens to start, a worker of the concurrency pool for instance, must not inherit it.
    // Once set, only the privileged may clear that flag: it stays when the priority goes.
    int policy = (priority > 0 ? SCHED_FIFO : SCHED_OTHER) | SCHED_RESET_ON_FORK;
    return sched_setscheduler(thread, policy, &parameter) == 0 ? 0 : errno;
}
