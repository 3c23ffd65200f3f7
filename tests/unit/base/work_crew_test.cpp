#include "base/work_crew.hpp"

#include <atomic>
#include <set>

#include <catch2/catch.hpp>

using namespace sojourn;

namespace {

/// Work of so many pieces; a piece waits until as many threads are at it as are expected.
class Pieces {
public:
    explicit Pieces(int count, unsigned threads = 1) : left_(count), threads_(threads) {}

    Result<void> take_all() {
        if (left_ > 0) ++present_;
        while (left_.fetch_sub(1) > 0) {
            while (present_ < threads_)
                std::this_thread::yield();
            ++done;
        }
        return {};
    }

    std::atomic<int> done = 0;

private:
    std::atomic<int> left_;
    std::atomic<unsigned> present_ = 0;
    unsigned threads_;
};

}  // namespace

TEST_CASE("every thread of a crew takes a part of what is shared", "[work_crew]") {
    WorkCrew crew(4);
    Pieces pieces(100, 4);

    REQUIRE(crew.share([&] { return pieces.take_all(); }).ok());

    REQUIRE(pieces.done == 100);
}

TEST_CASE("a crew of one does everything itself", "[work_crew]") {
    WorkCrew crew(1);
    Pieces pieces(10);

    REQUIRE(crew.share([&] { return pieces.take_all(); }).ok());

    REQUIRE(pieces.done == 10);
}

TEST_CASE("who finds nothing left helps with a part of what another has taken", "[work_crew]") {
    WorkCrew crew(4);
    std::atomic<bool> is_taken = false;
    Pieces parts(20, 4);

    const auto shared = crew.share([&]() -> Result<void> {
        if (is_taken.exchange(true)) return {};
        return crew.share([&] { return parts.take_all(); });
    });

    REQUIRE(shared.ok());
    REQUIRE(parts.done == 20);
}

TEST_CASE("what one thread of a crew failed with is told", "[work_crew]") {
    WorkCrew crew(3);
    std::atomic<int> calls = 0;
    const auto caller = std::this_thread::get_id();

    const auto shared = crew.share([&]() -> Result<void> {
        ++calls;
        while (calls < 2)
            std::this_thread::yield();
        if (std::this_thread::get_id() == caller) return {};
        return fail(ErrorCode::io, "a helper failed");
    });

    REQUIRE(shared.error().message == "a helper failed");
}
