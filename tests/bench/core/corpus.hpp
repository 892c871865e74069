// SPDX-License-Identifier: MIT
// The mail that bodies are measured with: as much as four large mailboxes hold, or what lies in the folder that the
// environment names in BENCH_MAIL.
#ifndef TESTS_BENCH_CORE_CORPUS_HPP
#define TESTS_BENCH_CORE_CORPUS_HPP

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../mail.hpp"

namespace bench {

// Sizes from 2 KB to 5 MB, most of them small: log-normal, as in real mailboxes. Above 48 KB it is an attachment.
inline std::vector<std::string> made_mail(std::size_t messages) {
  Random random(1939);
  const auto uniform = [&] { return static_cast<double>(random.next() >> 11) * 0x1p-53; };
  std::vector<std::string> mails;
  for (std::size_t i = 0; i < messages; ++i) {
    const double normal = std::sqrt(-2 * std::log(1 - uniform())) * std::cos(6.283185307179586 * uniform());
    const auto size = static_cast<std::size_t>(std::clamp(20e3 * std::exp(1.8 * normal), 2e3, 5e6));
    const auto dice = static_cast<unsigned>(random.below(100));
    const Kind small = dice < 34   ? Kind::text
                       : dice < 56 ? Kind::html
                       : dice < 68 ? Kind::utf8
                       : dice < 80 ? Kind::dots
                       : dice < 86 ? Kind::long_lines
                                   : Kind::base64;
    mails.push_back(make_message(size > 48'000 ? Kind::base64 : small, size, random.next()));
  }
  return mails;
}

// All regular files below a folder, in the order of their names, with LF.
inline std::vector<std::string> mail_below(const char* folder) {
  namespace fs = std::filesystem;
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> mails;
  for (const fs::path& path : paths) {
    std::ifstream file(path, std::ios::binary);
    std::string mail{std::istreambuf_iterator<char>(file), {}};
    for (std::size_t at = 0; (at = mail.find("\r\n", at)) != std::string::npos;) mail.erase(at, 1);
    mails.push_back(std::move(mail));
  }
  return mails;
}

struct Corpus {
  explicit Corpus(std::vector<std::string> with_lf) : lf(std::move(with_lf)) {
    for (const std::string& mail : lf) crlf.push_back(with_crlf(mail));
    for (const std::string& mail : crlf) octets += mail.size();
  }
  std::vector<std::string> lf, crlf;
  std::size_t octets = 0;  // as they are sent, but for doubled dots
};

inline const Corpus& corpus() {
  static const Corpus all = [] {
    const char* const folder = std::getenv("BENCH_MAIL");  // NOLINT(concurrency-mt-unsafe): one thread
    return Corpus(folder == nullptr ? made_mail(800) : mail_below(folder));
  }();
  return all;
}

// 256 KiB, which stay in the cache.
inline Corpus of_kind(Kind kind) { return Corpus({make_message(kind, 256 * 1024, 1939)}); }

// Each line begins with a dot.
inline Corpus dense_dots() {
  std::string mail;
  Random random(1939);
  while (mail.size() < 256 * 1024) {
    mail += '.';
    mail.append(random.between(20, 60), 'x');
    mail += '\n';
  }
  return Corpus({mail});
}
// Nothing but dots.
inline Corpus only_dots() {
  std::string mail;
  while (mail.size() < 256 * 1024) mail += ".\n";
  return Corpus({mail});
}

}  // namespace bench

#endif
