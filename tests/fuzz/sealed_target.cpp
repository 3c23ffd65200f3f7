#include <algorithm>

#include "tests/fuzz/seeds.hpp"
#include "tools/seal/age_payload.hpp"

namespace sojourn::fuzz {

namespace {

/// The same bytes each time, so that a seed is the same in every run.
class Counting final : public Random {
public:
    void fill(MutableBytes out) override {
        for (std::byte& byte : out)
            byte = static_cast<std::byte>(++count_);
    }

private:
    unsigned count_ = 0;
};

seal::Identity reader() {
    seal::Identity identity;
    identity.secret.bytes.fill(std::byte{0x42});
    identity.point = seal::x25519_point(identity.secret).value();
    return identity;
}

constexpr std::size_t kPlainSizes[] = {0, 100, 70'000};

ByteVector encrypted(std::size_t size) {
    ByteVector out;
    Counting random;
    const auto sink = [&](Bytes bytes) {
        out.insert(out.end(), bytes.begin(), bytes.end());
        return Result<void>();
    };
    const seal::Point recipients[] = {reader().point};
    auto writer = seal::AgeWriter::create(recipients, sink, random).value();
    EXPECTS(writer.write(ByteVector(size, std::byte{7})).ok(), "memory takes everything");
    EXPECTS(writer.finish().ok(), "memory takes everything");
    return out;
}

/// How much there was in it, all of it authentic.
Result<std::size_t> decrypted_bytes(Bytes input) {
    static const seal::Identity identity = reader();
    auto age = TRY(seal::AgeReader::create(std::span(&identity, 1), [&](MutableBytes out) {
        const Bytes part = input.first(std::min(input.size(), out.size()));
        std::copy(part.begin(), part.end(), out.begin());
        input = input.subspan(part.size());
        return Result<std::size_t>(part.size());
    }));
    std::size_t size = 0;
    for (;;) {
        std::byte part[5000];
        const std::size_t got = TRY(age.read(part));
        if (got == 0) return size;
        const bool is_ours =
            std::all_of(part, part + got, [](auto b) { return b == std::byte{7}; });
        EXPECTS(is_ours, "nothing is given that nobody encrypted");
        size += got;
    }
}

}  // namespace

Seeds seeds_of_sealed() {
    Seeds seeds;
    for (const std::size_t size : kPlainSizes)
        seeds.push_back(encrypted(size));
    return seeds;
}

void run_sealed(Bytes input) {
    const auto size = decrypted_bytes(input);
    EXPECTS(!size.ok() || std::ranges::count(kPlainSizes, *size) == 1,
            "what was cut or grew does not come to its end");
}

}  // namespace sojourn::fuzz
