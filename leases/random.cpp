#include "leases/random.hpp"

namespace sojourn::leases {

namespace {

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): any word
/// of the sequence without those before it.
std::uint64_t word_at(std::uint64_t seed, std::uint64_t index) {
    std::uint64_t word = seed + (index + 1) * 0x9e37'79b9'7f4a'7c15U;
    word = (word ^ (word >> 30U)) * 0xbf58'476d'1ce4'e5b9U;
    word = (word ^ (word >> 27U)) * 0x94d0'49bb'1331'11ebU;
    return word ^ (word >> 31U);
}

std::byte byte_at(const RandomService::State& state) {
    const std::uint64_t word = word_at(state.seed, state.position / sizeof(std::uint64_t));
    return static_cast<std::byte>(word >> (state.position % sizeof(std::uint64_t) * 8));
}

}  // namespace

std::unique_ptr<RandomService> RandomService::open(const Host& host,
                                                   std::optional<std::uint64_t> seed) {
    std::unique_ptr<RandomService> service(new RandomService());
    service->random_ = &host.random;
    if (seed) service->seeded_ = State{.seed = *seed, .position = 0};
    return service;
}

std::string RandomService::description() const {
    return seeded_ ? fmt::format("random from seed {}", seeded_->seed) : "random";
}

Result<ByteVector> RandomService::capture() {
    ByteWriter writer;
    if (seeded_) {
        writer.put(seeded_->seed);
        writer.put(seeded_->position);
    }
    return writer.take();
}

Result<std::unique_ptr<Service>> RandomService::restore(Bytes state) {
    ByteReader reader(state, "the state of a random lease");
    std::unique_ptr<RandomService> service(new RandomService());
    if (!state.empty()) {
        State seeded;
        seeded.seed = TRY(reader.get<std::uint64_t>());
        seeded.position = TRY(reader.get<std::uint64_t>());
        service->seeded_ = seeded;
    }
    TRY(reader.expect_end());
    return std::unique_ptr<Service>(std::move(service));
}

Result<void> RandomService::reacquire(const Host& host) {
    random_ = &host.random;
    return {};
}

void RandomService::fill(MutableBytes out) {
    if (!seeded_) return random_->fill(out);
    for (std::byte& byte : out) {
        byte = byte_at(*seeded_);
        ++seeded_->position;
    }
}

}  // namespace sojourn::leases
