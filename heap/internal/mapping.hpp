#pragma once

#include <cstdint>
#include <utility>

#include "base/bytes.hpp"

namespace sojourn::heap {

/// Owns a range of address space and gives it back.
class Mapping {
public:
    Mapping() = default;
    Mapping(Mapping&& other) noexcept
        : base_(std::exchange(other.base_, nullptr)), length_(std::exchange(other.length_, 0)) {}
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping();

    /// Address space that faults on every access. Errors: out_of_memory.
    static Result<Mapping> reserve(std::uint64_t length);
    /// Zeros that cost memory only where they are touched, however long. Errors: out_of_memory.
    static Result<Mapping> zeros(std::uint64_t length);
    /// As zeros(), to be filled from the start: in huge pages where the host has them.
    static Result<Mapping> buffer(std::uint64_t length);

    [[nodiscard]] std::byte* base() const { return base_; }
    [[nodiscard]] std::uint64_t length() const { return length_; }

private:
    static Result<Mapping> map(std::uint64_t length, int protection);

    std::byte* base_ = nullptr;
    std::uint64_t length_ = 0;
};

}  // namespace sojourn::heap
