// SPDX-License-Identifier: MIT
// The body of a multi-line answer, made fit for the wire: dots doubled at the start of lines, line ends made CRLF,
// the end written (RFC 1939, 3). One small state machine for every kind of body, whatever the cuts:
//
//   - a body starts at the start of a line, so a dot in its very first octet is doubled;
//   - an LF is a line end, a CR alone is not;
//   - `repair` sends CR LF for an LF alone; `verbatim` leaves it, and still doubles a dot behind it, since there are
//     clients that split at LF.
#ifndef MAILWIRE_DOT_STUFFER_HPP
#define MAILWIRE_DOT_STUFFER_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "line_scan.hpp"

namespace mailwire {
inline namespace v1 {

enum class BodyLines : std::uint8_t {
  repair,    // an LF without CR becomes CRLF
  verbatim,  // line ends are sent as they are given; a store that holds CRLF anyway
};

class DotStuffer {
 public:
  explicit DotStuffer(BodyLines lines = BodyLines::repair) noexcept : repair_(lines == BodyLines::repair) {}

  // How many octets at the front of `in`, the next octets of the body, can be sent as they are.
  std::size_t clean_prefix(std::string_view in) const noexcept {
    if (in.empty() || is_irregular(in[0])) return 0;
    const char* const begin = in.data();
    return static_cast<std::size_t>(LineScan::find(begin + 1, begin + in.size(), repair_) - begin);
  }
  // Octets that clean_prefix() found clean are sent by the caller; and what has been sent with all that it needs.
  void pass(std::string_view clean) noexcept {
    if (clean.empty()) return;
    octets_ += clean.size();
    const char last = clean.back();
    if (last == '\n') {
      line_ended(repair_ || (clean.size() > 1 ? clean[clean.size() - 2] == '\r' : last_was_cr_));
    } else {
      in_line(last == '\r');
    }
  }

  // The same for whole lines that nobody looks at: each ends with CRLF and begins with something else than a dot.
  void pass_unseen(std::uint64_t octets) noexcept {
    octets_ += octets;
    if (octets > 0) line_ended(true);
  }
  // So many of them were not sent after all.
  void take_back(std::uint64_t octets) noexcept { octets_ -= octets; }

  // Writes the next octets of the body to `out` as they go over the wire, until `in` or `room` is used up.
  struct Step {
    std::size_t taken;    // octets of `in`
    std::size_t written;  // octets of `out`
  };
  Step copy(std::string_view in, char* out, std::size_t room) noexcept {
    const char *const in_end = in.data() + in.size(), *const out_end = out + room;
    LineCopy at{in.data(), out, 0};
    const auto put_octets = [&](const char* to) {
      while (at.in != to && at.out != out_end) put_octet(at);
    };
    put_octets(in.data() + (in.empty() ? 0 : 1));  // by what came before it; from there on that is in memory
    if (at.in != in.data()) {
      const char* const start = at.in;
      at = LineScan::copy(at.in, in_end, repair_, at.out, out_end);
      pass({start, static_cast<std::size_t>(at.in - start)});
      octets_ += at.crs;
    }
    put_octets(in_end);
    return {static_cast<std::size_t>(at.in - in.data()), static_cast<std::size_t>(at.out - out)};
  }
  // The same without writing anything: only octets() is wanted.
  void count(std::string_view in) noexcept {
    if (in.empty()) return;
    if (repair_)
      octets_ += (is_irregular('\n') && in[0] == '\n' ? 1U : 0U) +
                 LineScan::count_bare_lf(in.data() + 1, in.data() + in.size());
    pass(in);
  }

  // What follows the last octet of the body: the line end it may lack, then ".CRLF".
  std::string_view end() const noexcept {
    constexpr std::string_view text = "\r\n.\r\n";
    return crlf_end_ ? text.substr(2) : text;
  }
  // The size of the body so far as RFC 1939, 11 counts it: line ends as they are sent, the one that is missing at the
  // end included, doubled dots not.
  std::uint64_t octets() const noexcept { return octets_ + (crlf_end_ ? 0U : 2U); }

 private:
  // Whether something has to be put in front of the next octet.
  bool is_irregular(char octet) const noexcept {
    return octet == '.' ? line_start_ : octet == '\n' && repair_ && !last_was_cr_;
  }

  // The next octet, or what has to be put in front of it.
  void put_octet(LineCopy& at) noexcept {
    if (!is_irregular(*at.in)) {
      *at.out++ = *at.in;
      pass({at.in++, 1});
    } else if (*at.in == '.') {
      *at.out++ = '.';
      line_start_ = false;
    } else {
      *at.out++ = '\r';
      ++octets_;
      in_line(true);
    }
  }
  void line_ended(bool after_cr) noexcept {
    line_start_ = true;
    last_was_cr_ = false;
    crlf_end_ = after_cr;
  }
  void in_line(bool cr) noexcept {
    line_start_ = crlf_end_ = false;
    last_was_cr_ = cr;
  }

  std::uint64_t octets_ = 0;
  bool repair_;
  bool line_start_ = true;    // the next octet is the first of a line
  bool crlf_end_ = true;      // the last octets were CR LF, or there were none
  bool last_was_cr_ = false;  // an LF that comes next needs no CR
};

// The size that LIST and STAT must tell for a message (RFC 1939, 11), for stores that hold it in another form. Feed
// it the message in pieces of any size.
class OctetCounter {
 public:
  explicit OctetCounter(BodyLines lines = BodyLines::repair) noexcept : stuffer_(lines) {}
  void add(std::string_view piece) noexcept { stuffer_.count(piece); }
  std::uint64_t octets() const noexcept { return stuffer_.octets(); }

 private:
  DotStuffer stuffer_;
};

}  // namespace v1
}  // namespace mailwire

#endif
