#include "tests/fuzz/seeds.hpp"

#include <algorithm>
#include <cstdlib>
#include <random>

#include "base/file.hpp"
#include "tests/support/temporary_folder.hpp"

namespace sojourn::fuzz {

namespace fs = std::filesystem;

Seeds module_seeds() {
    std::vector<fs::path> texts;
    for (const auto& entry : fs::directory_iterator("tests/unit/vm")) {
        if (entry.path().extension() == ".wat") texts.push_back(entry.path());
    }
    std::ranges::sort(texts);
    const tests::TemporaryFolder folder;
    const std::string module = folder.path() / "module.wasm";
    Seeds seeds;
    for (const fs::path& text : texts) {
        const std::string command = "wat2wasm --enable-memory64 --enable-exceptions " +
                                    text.native() + " -o " + module + " 2>/dev/null";
        if (std::system(command.c_str()) != 0) continue;
        if (auto bytes = read_file(module); bytes.ok()) seeds.push_back(std::move(*bytes));
    }
    return seeds;
}

ByteVector guest_module(const std::string& name) {
    auto bytes = read_file(fs::path(SOJOURN_GUESTS) / (name + ".wasm"));
    return bytes.ok() ? std::move(*bytes) : ByteVector();
}

Seeds random_seeds() {
    constexpr std::size_t kSeeds = 64;
    constexpr std::size_t kBytesMin = 100;
    constexpr std::size_t kBytesMax = 2000;
    std::mt19937 random(81);
    Seeds seeds(kSeeds);
    for (ByteVector& seed : seeds) {
        seed.resize(kBytesMin + random() % (kBytesMax - kBytesMin));
        for (std::byte& byte : seed)
            byte = static_cast<std::byte>(random());
    }
    return seeds;
}

}  // namespace sojourn::fuzz
