#include "tools/seal/bech32.hpp"

#include <array>
#include <cctype>

namespace sojourn::seal {

namespace {

constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksumDigits = 6;

/// The BCH code's remainder, one digit further.
std::uint32_t next_remainder(std::uint32_t remainder, unsigned digit) {
    constexpr std::array<std::uint32_t, 5> kGenerator = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
                                                         0x3d4233dd, 0x2a1462b3};
    const std::uint32_t top = remainder >> 25U;
    remainder = (remainder & 0x1ffffffU) << 5U ^ digit;
    for (unsigned bit = 0; bit < kGenerator.size(); ++bit)
        if ((top >> bit & 1U) != 0) remainder ^= kGenerator.at(bit);
    return remainder;
}

char to_lower(char letter) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
}

std::uint32_t remainder_of_prefix(std::string_view prefix) {
    std::uint32_t remainder = 1;
    for (const char letter : prefix)
        remainder = next_remainder(remainder, static_cast<unsigned>(to_lower(letter)) >> 5U);
    remainder = next_remainder(remainder, 0);
    for (const char letter : prefix)
        remainder = next_remainder(remainder, static_cast<unsigned>(to_lower(letter)) & 31U);
    return remainder;
}

}  // namespace

std::optional<ByteVector> decode_bech32(std::string_view prefix, std::string_view text) {
    if (!text.starts_with(prefix)) return std::nullopt;
    std::string_view digits = text.substr(prefix.size());
    if (!digits.starts_with('1') || digits.size() < 1 + kChecksumDigits) return std::nullopt;
    digits.remove_prefix(1);
    const bool is_upper = to_lower(prefix.front()) != prefix.front();

    ByteVector bytes;
    std::uint32_t remainder = remainder_of_prefix(prefix);
    std::uint32_t bits = 0;
    unsigned bit_count = 0;
    for (std::size_t index = 0; index < digits.size(); ++index) {
        const char letter = digits[index];
        if ((std::isupper(static_cast<unsigned char>(letter)) != 0) != is_upper &&
            std::isalpha(static_cast<unsigned char>(letter)) != 0)
            return std::nullopt;
        const std::size_t digit = kAlphabet.find(to_lower(letter));
        if (digit == std::string_view::npos) return std::nullopt;
        remainder = next_remainder(remainder, static_cast<unsigned>(digit));
        if (index >= digits.size() - kChecksumDigits) continue;
        bits = bits << 5U | static_cast<std::uint32_t>(digit);
        bit_count += 5;
        if (bit_count < 8) continue;
        bit_count -= 8;
        bytes.push_back(static_cast<std::byte>(bits >> bit_count));
        bits &= (1U << bit_count) - 1;
    }
    // What is left over is padding: less than a digit of zeros.
    if (remainder != 1 || bit_count >= 5 || bits != 0) return std::nullopt;
    return bytes;
}

}  // namespace sojourn::seal
