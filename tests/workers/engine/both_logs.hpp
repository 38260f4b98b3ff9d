// The engine's stories are told twice: on a log that makes outputs, changes and progress one transaction, and on one
// that does not.
#pragma once

#include <type_traits>

#include <doctest/doctest.h>

using WithTransactions = std::true_type;
using WithoutTransactions = std::false_type;
TYPE_TO_STRING(WithTransactions);
TYPE_TO_STRING(WithoutTransactions);
