/// The two Kafka topics: sending without ever waiting for the broker, and reading without a
/// consumer group.
@NullMarked
package dev.comfyapi.messaging;

import org.jspecify.annotations.NullMarked;
