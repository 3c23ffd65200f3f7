#include "store/internal/code_tables.hpp"

#include <cerrno>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/trace.hpp"
#include "store/internal/page_survey.hpp"
#include "store/internal/store_directory.hpp"

namespace sojourn::store {

namespace {

namespace fs = std::filesystem;

EnvironmentOptions code_environment_options(bool create) {
    return {.tables = {"code", "used"}, .hot_table = kCode, .create = create, .sync = true};
}

/// A database's file as it is known to be sound.
struct Stamp {
    std::uint64_t inode = 0;
    std::uint64_t bytes = 0;
    std::int64_t changed_s = 0;
    std::int64_t changed_ns = 0;

    bool operator==(const Stamp&) const = default;
};

fs::path stamp_file(const fs::path& directory) {
    return directory / "sound";
}

Stamp stamp_of(const fs::path& directory) {
    struct stat status {};
    if (::stat((directory / "data.mdb").c_str(), &status) != 0) return {};
    return {status.st_ino, static_cast<std::uint64_t>(status.st_size), status.st_mtim.tv_sec,
            status.st_mtim.tv_nsec};
}

bool is_damage(const Error& error) {
    return error.code == ErrorCode::corrupt || error.code == ErrorCode::unsupported_format;
}

bool is_useless(const Result<std::shared_ptr<Environment>>& opened) {
    return !opened.ok() &&
           (opened.error().code == ErrorCode::not_found || is_damage(opened.error()));
}

/// Who has these files open goes on in them, and finds the new ones when it writes.
void throw_away(const fs::path& directory, const Error& error) {
    TRACE(store, "code_thrown_away", directory.native(), error.message);
    ::unlink((directory / "data.mdb").c_str());
    ::unlink((directory / "lock.mdb").c_str());
}

}  // namespace

bool is_known_sound(const fs::path& directory) {
    const auto noted = read_file(stamp_file(directory));
    if (!noted.ok()) return false;
    ByteReader reader(*noted, "a stamp");
    const auto stamp = reader.get<Stamp>();
    return stamp.ok() && *stamp == stamp_of(directory) && stamp->bytes > 0;
}

void note_soundness(const fs::path& directory) {
    ByteWriter writer;
    writer.put(stamp_of(directory));
    // Without it, the next one looks through all of it again.
    static_cast<void>(write_file(stamp_file(directory), writer.view()));
}

Result<std::shared_ptr<Environment>> open_code(const fs::path& directory) {
    struct stat status {};
    if (::stat((directory / "data.mdb").c_str(), &status) != 0) {
        return directory_error(errno, "open", directory / "data.mdb");
    }
    auto environment = TRY(Environment::open(directory, code_environment_options(false)));
    if (is_known_sound(directory)) return environment;
    // A fault in it would end the host process, which needs nothing of it.
    const PageSurvey survey = TRY(survey_pages(*environment));
    if (survey.problems.empty()) {
        note_soundness(directory);
        return environment;
    }
    return fail(ErrorCode::corrupt, "{}: {}", directory.native(), survey.problems.front());
}

Result<std::shared_ptr<Environment>> find_code(const fs::path& directory) {
    auto opened = open_code(directory);
    return is_useless(opened) ? std::shared_ptr<Environment>() : std::move(opened);
}

Result<std::shared_ptr<Environment>> open_or_make_code(const fs::path& directory) {
    auto opened = open_code(directory);
    if (!is_useless(opened)) return opened;
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
        return directory_error(errno, "make", directory);
    }
    // One that somebody is making looks damaged until then.
    const UniqueFd making = open_directory(directory);
    if (!making.valid() || ::flock(making.get(), LOCK_EX) != 0) {
        return directory_error(errno, "lock", directory);
    }
    opened = open_code(directory);
    if (!is_useless(opened)) return opened;
    if (is_damage(opened.error())) throw_away(directory, opened.error());
    auto made = TRY(Environment::open(directory, code_environment_options(true)));
    note_soundness(directory);
    return made;
}

}  // namespace sojourn::store
