// Runs every file of a corpus folder through a fuzz target once, so that a found input stays a test in every build.
//
// Exit code 1 when the folder is missing or empty; a crash is the target's own.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <system_error>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

bool run_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  const std::string input{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: " << (argc > 0 ? argv[0] : "regression") << " CORPUS-FOLDER\n";
    return 2;
  }
  std::error_code error;
  int inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1], error)) {
    if (!entry.is_regular_file()) continue;
    // Named before it runs: after a crash this line says which input it was.
    std::cout << "input=" << entry.path().filename().string() << std::endl;
    if (!run_file(entry.path())) {
      std::cerr << "cannot read " << entry.path() << "\n";
      return 1;
    }
    ++inputs;
  }
  if (error || inputs == 0) {
    std::cerr << "no inputs in " << argv[1] << (error ? ": " + error.message() : "") << "\n";
    return 1;
  }
  std::cout << inputs << " inputs passed\n";
  return 0;
}
