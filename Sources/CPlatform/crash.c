#define _GNU_SOURCE
#include "platform.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int fatal[] = {SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE};
enum { fatal_count = sizeof fatal / sizeof fatal[0], stack_bytes = 64 << 10 };

static struct sigaction before[NSIG];
static pthread_once_t installed = PTHREAD_ONCE_INIT;
static __thread int crash_file = -1;
static __thread volatile uint64_t crash_first, crash_last;

static size_t put_number(char *at, uint64_t number) {
    char digits[20];
    size_t count = 0;
    do digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    for (size_t place = 0; place < count; place++) at[place] = digits[count - 1 - place];
    return count;
}

/// Nothing here may allocate or lock: the thread may have been anywhere.
static void note_crash(void) {
    char line[64] = "crashed ";
    size_t length = strlen(line);
    length += put_number(line + length, crash_first);
    line[length++] = ' ';
    length += put_number(line + length, crash_last);
    line[length++] = '\n';
    if (write(crash_file, line, length) == (ssize_t)length) fdatasync(crash_file);
}

static void handle(int signal, siginfo_t *info, void *context) {
    (void)context;
    // Above 0: the kernel sent it for what the thread did. `abort` sends its own; a signal from elsewhere says nothing of the thread.
    int is_own = info->si_code > 0 || (signal == SIGABRT && info->si_pid == getpid());
    if (is_own && crash_file >= 0 && crash_last != 0) {
        note_crash();
        crash_last = 0;
    }
    sigaction(signal, &before[signal], NULL);
    // On return the instruction runs again, or `abort` goes on. Only where neither is so must the signal be sent again.
    if (!is_own || signal == SIGTRAP) raise(signal);
}

static void install(void) {
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (int place = 0; place < fatal_count; place++) sigaction(fatal[place], &action, &before[fatal[place]]);
}

int amas_crash_watch(int file) {
    // Its own stack: a thread that has used up its stack must be heard too. It is the thread's to the end of the process.
    stack_t stack = {.ss_sp = malloc(stack_bytes), .ss_size = stack_bytes};
    if (stack.ss_sp == NULL || sigaltstack(&stack, NULL) != 0) return errno;
    pthread_once(&installed, install);
    crash_file = file;
    return 0;
}

void amas_crash_at(uint64_t first, uint64_t last) {
    crash_first = first;
    crash_last = last;
}
