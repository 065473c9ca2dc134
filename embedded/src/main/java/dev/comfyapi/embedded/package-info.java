/// Postgres and Kafka for a first run and for tests: started from here, ended from here.
@NullMarked
package dev.comfyapi.embedded;

import org.jspecify.annotations.NullMarked;
