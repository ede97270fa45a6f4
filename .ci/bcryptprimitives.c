/* The one function of Windows' bcryptprimitives.dll that Rust's standard library calls, for a Wine that lacks the library. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID bytes, ULONG count);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count)
{
    while (count != 0) {
        ULONG part = count < (1u << 20) ? (ULONG)count : 1u << 20;
        if (!SystemFunction036(bytes, part))
            return FALSE;
        bytes += part;
        count -= part;
    }
    return TRUE;
}
