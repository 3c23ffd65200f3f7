#include "tests/fuzz/mutation.hpp"

#include <algorithm>

namespace sojourn::fuzz {

namespace {

constexpr std::size_t kChangesMax = 4;
constexpr std::size_t kPieceBytesMax = 32;
constexpr std::uint64_t kExtremes[] = {0,
                                       1,
                                       0x7f,
                                       0xff,
                                       0x7fff,
                                       0xffff,
                                       0x7fffffff,
                                       0xffffffff,
                                       UINT64_MAX,
                                       INT64_MAX,
                                       std::uint64_t{1} << 32U,
                                       std::uint64_t{1} << 48U};

class Mutation {
public:
    Mutation(const Seeds& seeds, std::mt19937& random)
        : seeds_(seeds), random_(random), bytes_(any_seed()) {}

    ByteVector make() {
        for (std::size_t left = 1 + below(kChangesMax); left > 0; --left)
            change();
        return std::move(bytes_);
    }

private:
    std::size_t below(std::size_t count) { return random_() % count; }
    const ByteVector& any_seed() { return seeds_[below(seeds_.size())]; }

    void change() {
        if (bytes_.empty()) return insert_noise();
        switch (below(7)) {
            case 0:
                return flip_bit();
            case 1:
                return overwrite_with_extreme();
            case 2:
                return insert_noise();
            case 3:
                return erase_piece();
            case 4:
                return splice();
            case 5:
                bytes_.resize(below(bytes_.size() + 1));
                return;
            default:
                bytes_[below(bytes_.size())] = static_cast<std::byte>(random_());
        }
    }

    void flip_bit() { bytes_[below(bytes_.size())] ^= std::byte{1} << below(8); }

    void overwrite_with_extreme() {
        const std::uint64_t value = kExtremes[below(std::size(kExtremes))];
        const std::size_t place = below(bytes_.size());
        const std::size_t width = std::size_t{1} << below(4);
        std::memcpy(bytes_.data() + place, &value, std::min(width, bytes_.size() - place));
    }

    void insert_noise() {
        ByteVector noise(1 + below(8));
        for (std::byte& byte : noise)
            byte = static_cast<std::byte>(random_());
        insert(noise);
    }

    void erase_piece() {
        const std::size_t place = below(bytes_.size());
        const std::size_t count = std::min(1 + below(kPieceBytesMax), bytes_.size() - place);
        const auto first = bytes_.begin() + static_cast<std::ptrdiff_t>(place);
        bytes_.erase(first, first + static_cast<std::ptrdiff_t>(count));
    }

    /// A piece of a seed, this one or another, at any place.
    void splice() {
        const ByteVector& from = any_seed();
        if (from.empty()) return;
        const std::size_t place = below(from.size());
        const std::size_t count = std::min(1 + below(kPieceBytesMax), from.size() - place);
        insert(Bytes(from).subspan(place, count));
    }

    void insert(Bytes piece) {
        const auto place = bytes_.begin() + static_cast<std::ptrdiff_t>(below(bytes_.size() + 1));
        bytes_.insert(place, piece.begin(), piece.end());
    }

    const Seeds& seeds_;
    std::mt19937& random_;
    ByteVector bytes_;
};

}  // namespace

ByteVector mutated(const Seeds& seeds, std::mt19937& random) {
    EXPECTS(!seeds.empty(), "there is something to change");
    return Mutation(seeds, random).make();
}

}  // namespace sojourn::fuzz
