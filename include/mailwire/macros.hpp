// SPDX-License-Identifier: MIT
// Switches of the library; MAILWIRE_NO_SIMD is in line_scan.hpp. None changes what a type looks like.
#ifndef MAILWIRE_MACROS_HPP
#define MAILWIRE_MACROS_HPP

#if (defined(_MSVC_LANG) ? _MSVC_LANG : __cplusplus) < 201703L
#error "mailwire needs C++17"
#endif

// POP3_SEPARATE, defined for the whole program: function bodies are compiled once, in the one source file that
// includes pop3/src.hpp, instead of in every file that uses the library.
#ifdef POP3_SEPARATE
#define POP3_INLINE
#else
#define POP3_INLINE inline
#endif

// What is rarely called stays out of the way of what is called often.
#if defined(__GNUC__)
#define MAILWIRE_COLD __attribute__((noinline, cold))
#else
#define MAILWIRE_COLD
#endif

// What is at this address will be wanted soon.
#if defined(__GNUC__)
#define MAILWIRE_PREFETCH(address) __builtin_prefetch(address)
#else
#define MAILWIRE_PREFETCH(address) static_cast<void>(address)
#endif

// POP3_ASSERT(condition): a precondition that the calling program broke. Nothing that comes over the wire can break
// one, and the code that follows copes with the broken case, so that release builds stay safe without it.
#ifndef POP3_ASSERT
#include <cassert>
#define POP3_ASSERT(condition) assert(condition)
#endif

#endif
