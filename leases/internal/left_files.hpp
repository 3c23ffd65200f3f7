#pragma once

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <vector>

#include "base/file.hpp"
#include "leases/internal/change.hpp"

namespace sojourn::leases {

/// How the files that are being changed were left, in a file that is mapped: to note it costs no
/// system call, and it is there after a kill. A table of bounded size.
class LeftFiles {
public:
    struct Row {
        std::uint64_t device;
        std::uint64_t inode;
        std::uint64_t length;
        std::int64_t modified_ns;
        std::atomic<std::uint32_t> state;  ///< of State
        std::uint32_t reserved;
    };
    enum State : std::uint32_t { free = 0, settled = 1, under_way = 2 };
    using Index = std::uint32_t;

    static constexpr std::size_t kRows = 32'768;

    static Result<LeftFiles> open(const std::filesystem::path& path);
    LeftFiles(LeftFiles&& other) noexcept;
    LeftFiles& operator=(LeftFiles&&) = delete;
    ~LeftFiles();

    /// A free row, now of that file, under way. Errors: store_full, and busy when there is none.
    Result<Index> take(FileIdentity identity);
    void give_back(Index index);

    /// A change begins. Until end() nobody knows how the file is.
    void begin(Index index) {
        rows_[index].state.store(State::under_way, std::memory_order_release);
    }
    void end(Index index, std::uint64_t length, std::int64_t modified_ns) {
        Row& row = rows_[index];
        row.length = length;
        row.modified_ns = modified_ns;
        row.state.store(State::settled, std::memory_order_release);
    }
    [[nodiscard]] const Row& row(Index index) const { return rows_[index]; }

    /// Rows that an earlier life left behind.
    [[nodiscard]] std::vector<Index> taken() const;
    void forget_all();

private:
    LeftFiles(UniqueFd file, Row* rows) : file_(std::move(file)), rows_(rows) {}
    Result<void> allocate(std::uint64_t rows);
    [[nodiscard]] std::uint64_t& used_rows() const { return rows_[0].length; }
    /// Whatever the file says.
    [[nodiscard]] std::uint64_t used_rows_now() const {
        return std::clamp<std::uint64_t>(used_rows(), 1, kRows);
    }

    UniqueFd file_;
    Row* rows_;  ///< the first one says how many have ever been used
    std::uint64_t allocated_rows_ = 0;
    std::vector<Index> free_;
};

}  // namespace sojourn::leases
