/// What is claimed about speed, as programs; each compares within one run, on one Postgres.
@NullMarked
package dev.comfyapi.benchmarks;

import org.jspecify.annotations.NullMarked;
