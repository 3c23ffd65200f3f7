#pragma once

#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "heap/heap.hpp"

namespace sojourn::tests {

/// A memory whose words belong to four threads in turn, each of which remembers what it wrote. All
/// of them touch every page.
class SharedMemory {
public:
    static constexpr std::uint64_t kThreads = 4;

    SharedMemory(heap::Region& region, std::uint64_t seed)
        : region_(&region), seed_(seed), written_(region.size_bytes() / 8) {}

    /// Random reads and writes of all threads at once, beside `meanwhile` in one of its own.
    template <typename Meanwhile>
    void work(const Meanwhile& meanwhile) {
        std::vector<std::thread> threads;
        for (std::uint64_t t = 0; t < kThreads; ++t)
            threads.emplace_back([this, t] { work_of(t); });
        threads.emplace_back(meanwhile);
        for (std::thread& thread : threads)
            thread.join();
        ++seed_;
    }

    [[nodiscard]] std::uint64_t wrong() const { return wrong_.load(); }
    [[nodiscard]] const std::vector<std::uint64_t>& written() const { return written_; }

private:
    void work_of(std::uint64_t thread) {
        constexpr int kSteps = 500;
        std::mt19937_64 random(seed_ * kThreads + thread);
        for (int step = 0; step < kSteps; ++step) {
            const std::uint64_t word = random() % (written_.size() / kThreads) * kThreads + thread;
            std::uint64_t& model = written_[word];
            std::uint64_t found = 0;
            std::memcpy(&found, region_->base() + word * 8, sizeof found);
            if (found != model) ++wrong_;
            if (random() % 2 == 0) continue;
            model = random() % 4 == 0 ? 0 : random();  // back to zeros now and then
            std::memcpy(region_->base() + word * 8, &model, sizeof model);
        }
    }

    heap::Region* region_;
    std::uint64_t seed_;
    std::vector<std::uint64_t> written_;
    std::atomic<std::uint64_t> wrong_ = 0;
};

}  // namespace sojourn::tests
