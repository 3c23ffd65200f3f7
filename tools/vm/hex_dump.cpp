#include "tools/vm/hex_dump.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sojourn::tools {

namespace {

constexpr std::size_t kLineBytes = 16;

bool is_printable(unsigned char character) {
    return character >= 0x20 && character < 0x7f;
}

std::string line_of(std::uint64_t address, Bytes bytes) {
    std::string numbers;
    std::string characters;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto character = std::to_integer<unsigned char>(bytes[i]);
        numbers += fmt::format("{}{:02x}", i == kLineBytes / 2 ? "  " : " ", character);
        characters += is_printable(character) ? static_cast<char>(character) : '.';
    }
    return fmt::format("{:08x} {:<49}  |{}|\n", address, numbers, characters);
}

}  // namespace

std::string hex_dump(std::uint64_t address, Bytes bytes) {
    std::string text;
    while (!bytes.empty()) {
        const Bytes line = bytes.first(std::min(bytes.size(), kLineBytes));
        text += line_of(address, line);
        address += line.size();
        bytes = bytes.subspan(line.size());
    }
    return text;
}

}  // namespace sojourn::tools
