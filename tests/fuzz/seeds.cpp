#include "tests/fuzz/seeds.hpp"

#include <algorithm>
#include <cstdlib>
#include <random>

#include "base/file.hpp"
#include "tests/fuzz/generated_module.hpp"
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
    constexpr std::size_t kGenerated = 16;
    for (const ByteVector& choices : random_seeds(kGenerated))
        seeds.push_back(generated_module(choices, Dialect::whole()));
    return seeds;
}

ByteVector guest_module(const std::string& name) {
    auto bytes = read_file(fs::path(SOJOURN_GUESTS) / (name + ".wasm"));
    return bytes.ok() ? std::move(*bytes) : ByteVector();
}

Seeds random_seeds(std::size_t count) {
    constexpr std::size_t kBytesMin = 100;
    constexpr std::size_t kBytesMax = 2000;
    std::mt19937 random(81);
    Seeds seeds(count);
    for (ByteVector& seed : seeds) {
        seed.resize(kBytesMin + random() % (kBytesMax - kBytesMin));
        for (std::byte& byte : seed)
            byte = static_cast<std::byte>(random());
    }
    return seeds;
}

}  // namespace sojourn::fuzz
