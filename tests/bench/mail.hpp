// SPDX-License-Identifier: MIT
// Mail to measure with: made here, the same on every machine, in the kinds that mail comes in. Lines end with LF, as
// a Maildir has them; with_crlf() gives what goes over the wire.
#ifndef TESTS_BENCH_MAIL_HPP
#define TESTS_BENCH_MAIL_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

// SplitMix64: small, and the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t limit) noexcept { return static_cast<std::size_t>(next() % limit); }
  std::size_t between(std::size_t least, std::size_t most) noexcept { return least + below(most - least + 1); }
  bool percent(unsigned chance) noexcept { return below(100) < chance; }
  template <class Choices>
  const auto& of(const Choices& choices) noexcept {
    return choices[below(choices.size())];
  }

 private:
  std::uint64_t state_;
};

enum class Kind : std::uint8_t { text, html, utf8, base64, dots, long_lines };
inline constexpr std::array kinds{Kind::text, Kind::html, Kind::utf8, Kind::base64, Kind::dots, Kind::long_lines};
constexpr const char* to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::text: return "text";
    case Kind::html: return "html";
    case Kind::utf8: return "utf8";
    case Kind::base64: return "base64";
    case Kind::dots: return "dots";
    case Kind::long_lines: return "long";
  }
  return "";
}

// Appends lines of one kind until about so many octets are there.
class MailMaker {
 public:
  MailMaker(std::string& out, Random& random) noexcept : out_(out), random_(random) {}

  void message(Kind kind, std::size_t octets) {
    const std::size_t end = out_.size() + octets;
    header(kind);
    while (out_.size() < end) {
      line(kind);
      out_ += '\n';
    }
  }

 private:
  static constexpr std::array<std::string_view, 48> words{
      "the",     "of",      "and",    "to",       "in",        "is",       "that",     "for",     "it",      "as",
      "was",     "with",    "be",     "by",       "on",        "not",      "this",     "are",     "from",    "have",
      "which",   "will",    "would",  "there",    "their",     "about",    "people",   "before",  "through", "because",
      "invoice", "meeting", "report", "deadline", "attached",  "regards",  "schedule", "server",  "release", "patch",
      "review",  "between", "little", "another",  "yesterday", "together", "question", "customer"};
  static constexpr std::array<std::string_view, 8> foreign{
      "gr\xC3\xB6\xC3\x9F"
      "e",
      "fa\xC3\xA7"
      "ade",
      "ma\xC3\xB1"
      "ana",
      "\xD0\xBF\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82",
      "\xD0\xBC\xD0\xB8\xD1\x80",
      "\xE6\x9D\xB1\xE4\xBA\xAC",
      "\xE3\x81\x93\xE3\x82\x93\xE3\x81\xAB",
      "za\xC5\xBC\xC3\xB3\xC5\x82\xC4\x87"};
  static constexpr std::array<std::string_view, 12> dotted{".",
                                                           "..",
                                                           "...",
                                                           ".hidden",
                                                           ". starts with a dot and a space",
                                                           ".. two dots and then text",
                                                           ".\t",
                                                           "........",
                                                           ".TH MAN 1",
                                                           ".SH NAME",
                                                           ".PP",
                                                           "./configure --prefix=/usr"};
  static constexpr std::string_view base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

  void header(Kind kind) {
    out_ += "Return-Path: <sender@example.org>\nReceived: from mail.example.net (mail.example.net [192.0.2.";
    out_ += std::to_string(random_.between(1, 254));
    out_ += "])\n\tby mx.example.com with ESMTPS id ";
    encoded(12);
    out_ +=
        "\n\tfor <ann@example.com>; Tue, 14 Nov 2023 22:13:20 +0000\nDKIM-Signature: v=1; a=rsa-sha256; "
        "c=relaxed/relaxed; d=example.org; s=k1;\n\tb=";
    encoded(68);
    out_ += "\n\t ";
    encoded(68);
    out_ +=
        "\nDate: Tue, 14 Nov 2023 22:13:20 +0000\nFrom: Sender <sender@example.org>\nTo: Ann <ann@example.com>\n"
        "Subject: ";
    sentence(4, false);
    out_ += "\nMessage-ID: <";
    encoded(16);
    out_ += "@example.org>\nMIME-Version: 1.0\nContent-Type: ";
    out_ += kind == Kind::html ? "text/html" : kind == Kind::base64 ? "application/octet-stream" : "text/plain";
    out_ += "\n\n";
  }

  void line(Kind kind) {
    switch (kind) {
      case Kind::text: return prose(false);
      case Kind::utf8: return prose(true);
      case Kind::html: return html();
      case Kind::base64: return encoded(76);
      case Kind::dots:
        if (random_.percent(35))
          out_ += random_.of(dotted);
        else
          sentence(random_.between(3, 10), false);
        return;
      case Kind::long_lines: {
        constexpr std::array<std::size_t, 5> lengths{998, 998, 400, 5000, 120};
        const std::size_t end = out_.size() + random_.of(lengths);
        while (out_.size() < end) sentence(12, false);
        return out_.resize(end);
      }
    }
  }
  void prose(bool unicode) {
    if (random_.percent(12)) return;
    if (random_.percent(25)) out_ += "> ";
    sentence(random_.between(4, 12), unicode);
  }
  // Quoted-printable: lines of at most 76, "=" at the end of those that go on.
  void html() {
    const std::size_t start = out_.size();
    out_ += "<p class=3D\"c";
    out_ += std::to_string(random_.below(10));
    out_ += "\">";
    sentence(random_.between(5, 9), false);
    out_ += "</p>=20";
    for (std::size_t end = start + 75; end < out_.size(); end += 77) out_.insert(end, "=\n");
  }
  void sentence(std::size_t count, bool unicode) {
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) out_ += ' ';
      out_ += unicode && random_.percent(60) ? random_.of(foreign) : random_.of(words);
    }
    out_ += '.';
  }
  void encoded(std::size_t digits) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < digits; ++i, bits >>= 6) {
      if (i % 10 == 0) bits = random_.next();
      out_ += base64[bits & 63];
    }
  }

  std::string& out_;
  Random& random_;
};

inline std::string make_message(Kind kind, std::size_t octets, std::uint64_t seed) {
  std::string mail;
  Random random(seed);
  MailMaker(mail, random).message(kind, octets);
  return mail;
}

// Every LF made CR LF.
inline std::string with_crlf(std::string_view text) {
  std::string wire;
  wire.reserve(text.size() + text.size() / 16);
  for (const char c : text) {
    if (c == '\n') wire += '\r';
    wire += c;
  }
  return wire;
}

}  // namespace bench

#endif
