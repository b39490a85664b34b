#!/bin/sh
# Makes the checkpoint that ships, from data to the folder $2/checkpoint.
#
#     infra/checkpoint/make.sh DATA FOLDER
#
# DATA has emorynlp/, meld/, friends/ and dialogue/. An interrupted run goes on where it was.
set -eu
data=$1 folder=$2 bin=${bin:-.venv/bin}
trn=$data/emorynlp/emotion-detection-trn.json
dev=$data/emorynlp/emotion-detection-dev.json
mkdir -p "$folder"

# the teacher: MPNet, which itself learned from MiniLM's folds and from MELD
"$bin/emonet" encoder fetch mpnet
"$bin/emonet" train "$trn" --dev "$dev" --encoder mpnet --settings docs/mpnet/settings.toml \
    --auxiliary-data "$data/meld/train_sent_emo.csv" \
    --oof-logits docs/mpnet/oof_logits.safetensors \
    --teacher-logits docs/minilm/oof_logits.safetensors --output "$folder/teacher"

# what it labels, and what teaches the training set itself
"$bin/python" infra/checkpoint/unlabelled.py "$data/friends/friends_transcript.parquet" \
    "$data"/dialogue/the_office.parquet "$data"/dialogue/south_park.parquet \
    "$data"/dialogue/star_trek.parquet --output "$folder/unlabelled.parquet"
"$bin/python" infra/checkpoint/mean_logits.py "$trn" docs/mpnet/oof_logits.safetensors \
    docs/minilm/oof_logits.safetensors --output "$folder/oof_logits.safetensors"

# the student
"$bin/emonet" train "$trn" --dev "$dev" --unlabelled "$folder/unlabelled.parquet" \
    --teacher "$folder/teacher" --oof-logits "$folder/oof_logits.safetensors" \
    --output "$folder/checkpoint"
