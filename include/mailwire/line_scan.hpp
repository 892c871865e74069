// SPDX-License-Identifier: MIT
// The inner loops that all octets of messages go through. With SSE2, which every x86-64 has, they look at 16 octets at
// a time; elsewhere, or with MAILWIRE_NO_SIMD, defined for the whole program, at a line, by memchr().
//
// An octet is irregular if it is a dot behind an LF, or, where `crlf` is wanted, an LF that is not behind a CR. All
// functions but find_lf() look at the octet before `p`, too.
#ifndef MAILWIRE_LINE_SCAN_HPP
#define MAILWIRE_LINE_SCAN_HPP

#include <cstddef>
#include <cstring>

#if defined(__SSE2__) && defined(__GNUC__) && !defined(MAILWIRE_NO_SIMD)
#define MAILWIRE_SSE2
#include <emmintrin.h>
#endif

namespace mailwire {
inline namespace v1 {

// Where a copy stands.
struct LineCopy {
  const char* in;
  char* out;
  std::size_t crs;  // put in so far
};

class PortableLineScan {
 public:
  // The first LF of [p, end), or null.
  static const char* find_lf(const char* p, const char* end) noexcept {
    return static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p)));
  }

  // The first irregular octet of [p, end), or `end`.
  static const char* find(const char* p, const char* end, bool crlf) noexcept {
    if (p == end || (*p == '.' && p[-1] == '\n')) return p;
    for (;;) {
      const char* const lf = find_lf(p, end);
      if (lf == nullptr) return end;
      if (crlf && lf[-1] != '\r') return lf;
      p = lf + 1;
      if (p == end || *p == '.') return p;
    }
  }

  // Copies with a dot in front of each irregular dot, and a CR in front of each irregular LF, until the input or, but
  // for two octets, the room is used up.
  static LineCopy copy(const char* p, const char* end, bool crlf, char* out, const char* out_end) noexcept {
    LineCopy at{p, out, 0};
    while (at.in != end && out_end - at.out > 2) {
      const std::ptrdiff_t room = out_end - at.out - 2;
      const char* const stop = find(at.in, end - at.in > room ? at.in + room : end, crlf);
      const auto n = static_cast<std::size_t>(stop - at.in);
      std::memcpy(at.out, at.in, n);
      at.in = stop;
      at.out += n;
      if (stop == end) break;
      put_irregular(at, crlf);
    }
    return at;
  }

  // How many LFs of [p, end) are not behind a CR.
  static std::size_t count_bare_lf(const char* p, const char* end) noexcept {
    std::size_t count = 0;
    for (; (p = find(p, end, true)) != end; ++p) count += *p == '\n' ? 1U : 0U;
    return count;
  }

 protected:
  // The octet at hand, which may be regular after all, and what it needs.
  static void put_irregular(LineCopy& at, bool crlf) noexcept {
    const char before = at.in[-1], octet = *at.in++;
    if (octet == '.' && before == '\n') *at.out++ = '.';
    if (octet == '\n' && crlf && before != '\r') {
      *at.out++ = '\r';
      ++at.crs;
    }
    *at.out++ = octet;
  }
};

#ifdef MAILWIRE_SSE2

class Sse2LineScan : PortableLineScan {
 public:
  // The line of a command is mostly so short that calling for help takes longer.
  static const char* find_lf(const char* p, const char* end) noexcept {
    if (end - p >= width) {
      const int found = _mm_movemask_epi8(_mm_cmpeq_epi8(load(p), _mm_set1_epi8('\n')));
      if (found != 0) return p + __builtin_ctz(static_cast<unsigned>(found));
    }
    return PortableLineScan::find_lf(p, end);
  }

  static const char* find(const char* p, const char* end, bool crlf) noexcept {
    const Irregular irregular(crlf);
    for (; end - p >= 4 * width; p += 4 * width) {  // one branch for four blocks
      const __m128i first = _mm_or_si128(irregular.in(p), irregular.in(p + width));
      const __m128i second = _mm_or_si128(irregular.in(p + 2 * width), irregular.in(p + 3 * width));
      if (_mm_movemask_epi8(_mm_or_si128(first, second)) != 0) break;
    }
    for (; end - p >= width; p += width)
      if (const int found = _mm_movemask_epi8(irregular.in(p))) return p + __builtin_ctz(static_cast<unsigned>(found));
    return PortableLineScan::find(p, end, crlf);
  }

  // Only at an LF and behind it there is anything to do, so nothing else is looked for.
  static LineCopy copy(const char* p, const char* end, bool crlf, char* out, const char* out_end) noexcept {
    constexpr std::ptrdiff_t step = 2 * width;
    const __m128i lf = _mm_set1_epi8('\n');
    LineCopy at{p, out, 0};
    if (end - p >= step && out_end - out > 1 && *p == '.') put_irregular(at, crlf);
    // A step has at most 31 octets and then CR, LF and two dots.
    while (end - at.in >= step && out_end - at.out >= step + 3) {
      const __m128i first = load(at.in), second = load(at.in + width);
      // More than counts may be written: what follows is written over it.
      store(at.out, first);
      store(at.out + width, second);
      const auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(first, lf))) |
                         static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(second, lf))) << width;
      const std::ptrdiff_t n = found == 0 ? step : __builtin_ctz(found);
      at.in += n;
      at.out += n;
      if (found == 0) continue;
      const bool bare = crlf && at.in[-1] != '\r';
      *at.out = '\r';
      at.out += bare ? 1 : 0;
      at.crs += bare ? 1U : 0U;
      *at.out++ = *at.in++;
      if (at.in == end || *at.in != '.') continue;
      *at.out++ = '.';
      *at.out++ = *at.in++;
    }
    const LineCopy rest = PortableLineScan::copy(at.in, end, crlf, at.out, out_end);
    return {rest.in, rest.out, at.crs + rest.crs};
  }

  static std::size_t count_bare_lf(const char* p, const char* end) noexcept {
    std::size_t count = 0;
    while (end - p >= width) {
      __m128i counts = _mm_setzero_si128();  // of each place in a block; 255 at most
      for (int block = 0; block < 255 && end - p >= width; ++block, p += width)
        counts = _mm_sub_epi8(counts, is_bare_lf(load(p), load(p - 1)));
      const __m128i sums = _mm_sad_epu8(counts, _mm_setzero_si128());
      count += static_cast<std::size_t>(_mm_cvtsi128_si32(sums) + _mm_extract_epi16(sums, 4));
    }
    return count + PortableLineScan::count_bare_lf(p, end);
  }

 private:
  static constexpr std::ptrdiff_t width = sizeof(__m128i);

  static __m128i load(const char* p) noexcept { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
  static void store(char* p, __m128i octets) noexcept { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), octets); }
  static __m128i is_bare_lf(__m128i octets, __m128i before) noexcept {
    const __m128i lfs = _mm_cmpeq_epi8(octets, _mm_set1_epi8('\n'));
    return _mm_andnot_si128(_mm_cmpeq_epi8(before, _mm_set1_epi8('\r')), lfs);
  }

  // All ones where an octet of a block is irregular.
  class Irregular {
   public:
    explicit Irregular(bool crlf) noexcept : crlf_(_mm_set1_epi8(crlf ? -1 : 0)) {}
    __m128i in(const char* p) const noexcept {
      const __m128i octets = load(p), before = load(p - 1);
      const __m128i dots = _mm_cmpeq_epi8(octets, _mm_set1_epi8('.'));
      const __m128i starts = _mm_cmpeq_epi8(before, _mm_set1_epi8('\n'));
      return _mm_or_si128(_mm_and_si128(dots, starts), _mm_and_si128(is_bare_lf(octets, before), crlf_));
    }

   private:
    __m128i crlf_;
  };
};

using LineScan = Sse2LineScan;
#undef MAILWIRE_SSE2
#else
using LineScan = PortableLineScan;
#endif

}  // namespace v1
}  // namespace mailwire

#endif
