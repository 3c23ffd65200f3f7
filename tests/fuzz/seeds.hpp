#pragma once

#include "tests/fuzz/target.hpp"

namespace sojourn::fuzz {

/// The modules of tests/unit/vm, by wat2wasm where it is, and generated ones, which have every
/// instruction there is. Run from the top of the repository.
Seeds module_seeds();

/// The program tests/checkpoint/<name>.c of this build; empty when it was not built.
ByteVector guest_module(const std::string& name);

/// Bytes of no meaning, the same each time: choices for what is generated.
Seeds random_seeds(std::size_t count = 64);

/// Takes what a target needs besides its main bytes off the front of an input; zeros once that is
/// used up.
class Input {
public:
    explicit Input(Bytes bytes) : rest_(bytes) {}

    template <typename T>
    T take() {
        T value{};
        const std::size_t count = std::min(sizeof(T), rest_.size());
        std::memcpy(&value, rest_.data(), count);
        rest_ = rest_.subspan(count);
        return value;
    }
    Bytes take_bytes(std::size_t count) {
        const Bytes taken = rest_.first(std::min(count, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }
    [[nodiscard]] Bytes rest() const { return rest_; }
    [[nodiscard]] bool is_empty() const { return rest_.empty(); }

private:
    Bytes rest_;
};

inline ByteVector to_vector(Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}

}  // namespace sojourn::fuzz
