#pragma once

#include <string>

namespace sojourn::store {

/// Says, while it lives, that the calling thread is using a database: a fault is the database's
/// then (store/damage_guard.hpp). `line` is what to say of it; borrowed. Uses may nest; what is
/// said is of the one that began last.
class DatabaseUse {
public:
    explicit DatabaseUse(const std::string& line);
    DatabaseUse(const DatabaseUse&) = delete;
    DatabaseUse& operator=(const DatabaseUse&) = delete;
    ~DatabaseUse();
};

/// Ends the host process as a fault would; returns when nobody asked for that.
void report_broken_database(const std::string& line);

}  // namespace sojourn::store
