/// A job in its own words: ids, states, priorities, errors and output files; knows nothing but the
/// JDK.
@NullMarked
package dev.comfyapi.model.job;

import org.jspecify.annotations.NullMarked;
