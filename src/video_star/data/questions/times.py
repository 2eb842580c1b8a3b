"""Questions about when something happens, and about what happens at a time.

Times are given as text with their unit ("1.5 seconds").
"""

from __future__ import annotations

SPAN = (
    'When does "{event}" happen?',
    'From when to when can you see "{event}"?',
    'At what time does "{event}" start and end?',
    'During which part of the video does "{event}" take place?',
    'Between which times does "{event}" happen?',
    'Give the start and the end of "{event}".',
    'When does "{event}" begin, and when is it over?',
    'In which stretch of the video is "{event}" shown?',
    'Find "{event}" in the video. When does it start and end?',
    'How long into the video does "{event}" begin and end?',
    'Which part of the clip shows "{event}"?',
    'Tell the time span of "{event}".',
    'Over which time does "{event}" go on?',
    'Name the first and the last moment of "{event}".',
    'When in the clip does "{event}" take place, from start to end?',
    'What is the time span in which "{event}" happens?',
    'At which second does "{event}" start, and at which does it stop?',
    'Where in time does "{event}" lie in this video?',
    'From what time until what time does "{event}" last?',
    'Mark the part of the video with "{event}". When does it begin and end?',
)
"""Fields: event."""

TIME = (
    'At what time does "{event}" happen?',
    'When does this happen: "{event}"?',
    'At which second do you see "{event}"?',
    'At which moment of the video does "{event}" take place?',
    'Give the time of "{event}".',
    'How long into the video does "{event}" happen?',
    'What is the moment of "{event}"?',
    'Find "{event}" in the video. What time is it?',
    'Which point in time shows "{event}"?',
    'Tell the moment when "{event}" happens.',
    'After how many seconds does "{event}" happen?',
    'When can "{event}" be seen in this clip?',
    'At what point of the clip does "{event}" occur?',
    'What time in the video fits "{event}"?',
    'Name the second at which "{event}" happens.',
    'How many seconds pass before "{event}" happens?',
    'When exactly does "{event}" take place?',
    'Where in time is "{event}"?',
    'Mark the moment of "{event}". At what time is it?',
    'At which time would you stop the video to see "{event}"?',
)
"""Fields: event."""

AT_TIME = (
    "What happens at {time}?",
    "What is being done at {time}?",
    "What do you see at {time}?",
    "Describe what happens at {time}.",
    "Which action takes place at {time}?",
    "What is going on at {time}?",
    "Stop the video at {time}. What is happening?",
    "At {time}, what is the person doing?",
    "Tell what is done at {time} of the video.",
    "What does the video show at {time}?",
    "Which activity can be seen at {time}?",
    "Look at the moment at {time}. What is done there?",
    "What is the action at {time}?",
    "At {time} into the clip, what happens?",
    "Describe the moment at {time} of this clip.",
    "What takes place at {time} in the video?",
    "How would you describe the action at {time}?",
    "Go to {time}. What do you see being done?",
    "What is shown at {time} of this video?",
    "Say in a sentence what happens at {time}.",
)
"""Fields: time."""

BETWEEN = (
    "What happens from {start} to {end}?",
    "What is being done between {start} and {end}?",
    "Which action takes place from {start} to {end}?",
    "What do you see between {start} and {end}?",
    "Describe what happens between {start} and {end}.",
    "What is going on from {start} until {end}?",
    "Watch the part from {start} to {end}. What is done there?",
    "Which activity fills the time from {start} to {end}?",
    "Tell what is done between {start} and {end} of the video.",
    "What does the video show from {start} to {end}?",
    "Between {start} and {end}, what is the person doing?",
    "From {start} to {end}, which action can be seen?",
    "Look at the stretch between {start} and {end}. What happens?",
    "Which action begins at {start} and ends at {end}?",
    "What takes place in the clip from {start} to {end}?",
    "What is performed between {start} and {end}?",
    "How would you describe the part between {start} and {end}?",
    "What is the action from {start} to {end} of this clip?",
    "Starting at {start} and stopping at {end}, what do you see?",
    "Name what is done in the time between {start} and {end}.",
)
"""Fields: start, end."""

SPAN_OF_ANSWER = (
    'The answer to "{question}" is "{answer}". When can this be seen?',
    'From when to when does the video show that "{question}" is answered by "{answer}"?',
    'Question: "{question}" Answer: "{answer}" Which part of the video shows it?',
    'Someone asks "{question}" and hears "{answer}". When does it happen?',
    'When does the video show the answer "{answer}" to "{question}"?',
    'In which stretch can you check that "{answer}" answers "{question}"?',
    'Between which times do you see why "{answer}" answers "{question}"?',
    '"{question}" The answer is "{answer}". Give the start and the end of that part.',
    'Which time span must one watch to answer "{question}" with "{answer}"?',
    'To answer "{question}" with "{answer}", from when to when do you look?',
    'Asked "{question}", we say "{answer}". During which time is that shown?',
    'At what time does the part start and end that answers "{question}" by "{answer}"?',
    'Find the part where "{answer}" is the answer to "{question}". When is it?',
    'When does the part begin and end in which "{question}" gets the answer "{answer}"?',
    'The right answer to "{question}" is "{answer}". From what time to what time is it seen?',
    'Over which time does the clip show "{answer}", the answer to "{question}"?',
    'Where in time is the proof that "{question}" is answered by "{answer}"?',
    'If "{answer}" answers "{question}", when does the video show this?',
    'Tell the time span that supports "{answer}" as the answer to "{question}".',
    '"{answer}" is what one answers to "{question}". When do you see it, from start to end?',
)
"""Fields: question, answer."""

REVERSE = (
    'Which question about the video is answered by "{answer}"?',
    'The answer is "{answer}". What was the question?',
    'What could one ask about this video to hear "{answer}"?',
    'Which question fits the answer "{answer}"?',
    'Someone answered "{answer}". What were they asked about the video?',
    'Find the question to the answer "{answer}".',
    'What question about this clip has the answer "{answer}"?',
    'To which question would you reply "{answer}" after this video?',
    'If "{answer}" is the answer, what is the question?',
    'Ask something about the video that is answered by "{answer}".',
    'Which question does the video answer with "{answer}"?',
    'For the answer "{answer}", write the question about this video.',
    'What must be asked about the clip so that "{answer}" is right?',
    '"{answer}" is the reply. Which question came before it?',
    'What would a teacher ask here if the right answer is "{answer}"?',
    'Think of this video. Which question leads to "{answer}"?',
    'Turn it around: what is the question when the answer is "{answer}"?',
    'What do you have to ask about the video to get the answer "{answer}"?',
    'Name a question about this video whose answer is "{answer}".',
    'The video makes "{answer}" the right answer. To what?',
)
"""Fields: answer; what is asked for is a question."""
