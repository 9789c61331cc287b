#!/bin/sh
# Copies the work folder to the cupboard and to the bucket; called at 02:40 by a timer.
set -eu

REPOSITORY="${RESTIC_REPOSITORY:?set it in the unit}"

# What can be made again is not worth its space.
restic backup work letters photographs accounts \
  --exclude '**/node_modules' --exclude '**/target' --exclude '*.psb.tmp'

# Seven days, five weeks, twelve months, and every year for good.
restic forget --prune --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --keep-yearly 99

# Reads back a tenth of the data each Sunday, so that rot is noticed within a season.
if [ "$(date +%u)" = 7 ]; then
  restic check --read-data-subset=10%
fi
