// SPDX-License-Identifier: MIT
// Runs a fuzz target over the files of the given folders: the corpus is a test for every compiler, without libFuzzer.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i], error)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    if (error) std::fprintf(stderr, "%s: %s\n", argv[i], error.message().c_str());
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    std::ifstream stream(file, std::ios::binary);
    const std::vector<char> octets{std::istreambuf_iterator<char>(stream), {}};
    // Told before the run: the last name printed is the one that failed.
    std::printf("%s: %zu octets\n", file.filename().string().c_str(), octets.size());
    std::fflush(stdout);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size());
  }
  std::printf("%zu inputs replayed\n", files.size());
  if (files.empty()) std::fputs("no input was found: nothing is tested\n", stderr);
  return files.empty() ? 1 : 0;
}
