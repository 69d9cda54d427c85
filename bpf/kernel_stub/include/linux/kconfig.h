/* A stand-in for the kernel's headers, which BCC wants and our programs do not need: they use UAPI
 * types only, and BCC carries its own bpf.h. The empty files beside this one are named by BCC too.
 */
#define CONFIG_BPF_SYSCALL 1
typedef signed char s8;
typedef unsigned char u8;
typedef short s16;
typedef unsigned short u16;
typedef int s32;
typedef unsigned int u32;
typedef long long s64;
typedef unsigned long long u64;
typedef _Bool bool;
typedef unsigned long size_t;
typedef unsigned long uintptr_t;
